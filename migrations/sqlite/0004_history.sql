-- When Stripe is asked what a thin event is about; at once if nothing is said.
ALTER TABLE inbox ADD COLUMN ask_at INTEGER;
CREATE INDEX inbox_asking ON inbox (id) WHERE state = 'asking';

-- What was known when: each row is added when it becomes known and never changed.
CREATE TABLE object_versions (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    account  INTEGER NOT NULL REFERENCES accounts (id),
    customer TEXT NOT NULL,
    object   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    body     TEXT NOT NULL,
    known_at INTEGER NOT NULL
) STRICT;
CREATE INDEX object_versions_by_customer ON object_versions (account, customer);

-- Of a member: which customers count, seats, reversals, grants, holds and payments by hand.
CREATE TABLE fact_versions (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    member   INTEGER NOT NULL,
    body     TEXT NOT NULL,
    known_at INTEGER NOT NULL
) STRICT;
CREATE INDEX fact_versions_by_member ON fact_versions (member);
ALTER TABLE members ADD COLUMN facts_sha256 BLOB;

CREATE TABLE rule_versions (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    body         TEXT NOT NULL,
    known_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX rule_versions_by_organisation ON rule_versions (organisation);

CREATE TABLE policy_versions (
    organisation TEXT NOT NULL,
    zone         TEXT NOT NULL,
    number       INTEGER NOT NULL,
    policy       BLOB NOT NULL,
    known_at     INTEGER NOT NULL,
    PRIMARY KEY (organisation, zone, number),
    FOREIGN KEY (organisation, zone) REFERENCES zones (organisation, id)
) STRICT;

-- Without an entry the card was taken out of the list.
CREATE TABLE entry_versions (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL,
    zone         TEXT NOT NULL,
    token        BLOB NOT NULL,
    member       INTEGER,
    epoch_number INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    entry        BLOB,
    known_at     INTEGER NOT NULL,
    FOREIGN KEY (organisation, zone) REFERENCES zones (organisation, id)
) STRICT;
CREATE INDEX entry_versions_by_token ON entry_versions (organisation, zone, token);
CREATE INDEX entry_versions_by_member ON entry_versions (member);
