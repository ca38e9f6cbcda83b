-- Fobs that are lent, and to whom until when; where a location is.
CREATE TABLE loaners (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    label        TEXT NOT NULL,
    uid_sealed   BLOB NOT NULL,
    uid_index    BLOB NOT NULL,
    last_digits  TEXT NOT NULL,
    added_at     INTEGER NOT NULL,
    removed_at   INTEGER
) STRICT;
CREATE UNIQUE INDEX loaners_by_uid ON loaners (organisation, uid_index) WHERE removed_at IS NULL;

CREATE TABLE loans (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    loaner      INTEGER NOT NULL REFERENCES loaners (id),
    -- As which card the fob is listed while it is lent.
    card        INTEGER NOT NULL REFERENCES cards (id),
    member      INTEGER NOT NULL REFERENCES members (id),
    lent_at     INTEGER NOT NULL,
    ends_at     INTEGER NOT NULL,
    returned_at INTEGER
) STRICT;
CREATE UNIQUE INDEX loans_open ON loans (loaner) WHERE returned_at IS NULL;
CREATE INDEX loans_by_card ON loans (card);

ALTER TABLE locations ADD COLUMN address TEXT NOT NULL DEFAULT '';
