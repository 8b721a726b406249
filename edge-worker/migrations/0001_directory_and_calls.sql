-- Directory and call records. Outside the path of a wake: what is needed to ring a line is in the line's own object.

CREATE TABLE accounts (
  site         TEXT    NOT NULL,
  number       TEXT    NOT NULL,
  uid          TEXT    NOT NULL,
  display_name TEXT    NOT NULL,
  verifier     TEXT    NOT NULL,            -- pbkdf2-sha256$iterations$salt$hash
  created_at   INTEGER NOT NULL,            -- ms since the Unix epoch, as all times
  PRIMARY KEY (site, number)
) WITHOUT ROWID;
CREATE INDEX accounts_by_uid ON accounts (site, uid);

CREATE TABLE calls (
  site        TEXT    NOT NULL,
  id          TEXT    NOT NULL,             -- the wake's id
  caller      TEXT    NOT NULL,
  callee      TEXT    NOT NULL,
  started_at  INTEGER NOT NULL,
  ringing_at  INTEGER,
  answered_at INTEGER,
  ended_at    INTEGER NOT NULL,
  outcome     TEXT    NOT NULL,
  device      TEXT,
  ended_by    TEXT,
  PRIMARY KEY (site, id)
) WITHOUT ROWID;
CREATE INDEX calls_by_callee ON calls (site, callee, started_at);
CREATE INDEX calls_by_caller ON calls (site, caller, started_at);

-- Sign-in tries in a window of time, by a digest of the number or of the address they come from.
CREATE TABLE tries (
  site       TEXT    NOT NULL,
  who        TEXT    NOT NULL,
  window_end INTEGER NOT NULL,
  count      INTEGER NOT NULL,
  PRIMARY KEY (site, who)
) WITHOUT ROWID;
CREATE INDEX tries_by_end ON tries (window_end);
