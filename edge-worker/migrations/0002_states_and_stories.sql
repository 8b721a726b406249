-- Calls are recorded when they are asked for; users' states; counters; who was deleted.

-- The same table with what is not known before a call is over left open, the users beside the numbers, and the story.
CREATE TABLE calls_2 (
  site        TEXT    NOT NULL,
  id          TEXT    NOT NULL,             -- the wake's id
  caller      TEXT    NOT NULL,             -- '' once its user was deleted, as all four
  caller_uid  TEXT,                         -- NULL in records from before this migration
  callee      TEXT    NOT NULL,
  callee_uid  TEXT,
  started_at  INTEGER NOT NULL,
  ringing_at  INTEGER,
  answered_at INTEGER,
  ended_at    INTEGER,                      -- NULL while it goes on
  outcome     TEXT,
  device      TEXT,
  ended_by    TEXT,
  story       TEXT,                         -- JSON: steps of its devices and answers of push services, nobody's name
  PRIMARY KEY (site, id)
) WITHOUT ROWID;
INSERT INTO calls_2 (site, id, caller, callee, started_at, ringing_at, answered_at, ended_at, outcome, device, ended_by)
  SELECT site, id, caller, callee, started_at, ringing_at, answered_at, ended_at, outcome, device, ended_by FROM calls;
DROP TABLE calls;
ALTER TABLE calls_2 RENAME TO calls;
CREATE INDEX calls_by_callee ON calls (site, callee, started_at);
CREATE INDEX calls_by_caller ON calls (site, caller, started_at);
CREATE INDEX calls_by_start ON calls (site, started_at);

-- The owner's names: every call request, when it was asked, whether or not anybody was there.
CREATE VIEW user_call AS
  SELECT site, id, coalesce(caller_uid, caller) AS User_id, coalesce(callee_uid, callee) AS Callee_id,
         started_at AS Call_date, outcome AS Outcome
  FROM calls;

-- A user's state and address, one row a line, as connections come and go.
CREATE TABLE user_property (
  site          TEXT    NOT NULL,
  number        TEXT    NOT NULL,
  User_id       TEXT    NOT NULL,
  User_ip       TEXT,                       -- NULL while offline
  User_netstate INTEGER NOT NULL,           -- 1 online, 0 offline
  changed_at    INTEGER NOT NULL,
  PRIMARY KEY (site, number)
) WITHOUT ROWID;
CREATE INDEX user_property_by_user ON user_property (site, User_id);

-- Users who were deleted, by a digest: a record of them that comes late names nobody.
CREATE TABLE deleted_users (
  site       TEXT    NOT NULL,
  who        TEXT    NOT NULL,
  deleted_at INTEGER NOT NULL,
  PRIMARY KEY (site, who)
) WITHOUT ROWID;

-- What /v1/metrics shows. Labels hold no identity.
CREATE TABLE counters (
  site   TEXT NOT NULL,
  name   TEXT NOT NULL,
  labels TEXT NOT NULL,
  value  REAL NOT NULL,
  PRIMARY KEY (site, name, labels)
) WITHOUT ROWID;
