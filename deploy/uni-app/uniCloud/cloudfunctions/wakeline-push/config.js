'use strict';
module.exports = {
  // The app's id, from manifest.json.
  APP_ID: '__UNI__0000000',
  // The same 32 random octets or more as `unicloud.key` in the edge's SITE_SECRETS. Do not commit it.
  KEY: '',
};
