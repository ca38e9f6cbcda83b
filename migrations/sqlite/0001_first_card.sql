-- Times are milliseconds since 1970 in UTC, money is integer minor units, bodies are JSON or CBOR of our own making.

CREATE TABLE organisations (
    id           TEXT NOT NULL PRIMARY KEY,
    name         TEXT NOT NULL,
    default_type TEXT,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE locations (
    organisation TEXT NOT NULL REFERENCES organisations (id),
    id           TEXT NOT NULL,
    name         TEXT NOT NULL,
    time_zone    TEXT NOT NULL,
    holidays     TEXT NOT NULL,
    PRIMARY KEY (organisation, id)
) STRICT;

CREATE TABLE schedules (
    organisation TEXT NOT NULL REFERENCES organisations (id),
    id           TEXT NOT NULL,
    name         TEXT NOT NULL,
    number       INTEGER NOT NULL,
    windows      TEXT NOT NULL,
    PRIMARY KEY (organisation, id),
    UNIQUE (organisation, number)
) STRICT;

CREATE TABLE membership_types (
    organisation TEXT NOT NULL REFERENCES organisations (id),
    id           TEXT NOT NULL,
    name         TEXT NOT NULL,
    rank         INTEGER NOT NULL,
    policy       TEXT,
    PRIMARY KEY (organisation, id)
) STRICT;

CREATE TABLE zones (
    organisation  TEXT NOT NULL REFERENCES organisations (id),
    id            TEXT NOT NULL,
    name          TEXT NOT NULL,
    location      TEXT NOT NULL,
    settings      TEXT NOT NULL,
    card_key      INTEGER NOT NULL,
    epoch_number  INTEGER NOT NULL,
    epoch_id      BLOB NOT NULL,
    number        INTEGER NOT NULL,
    entries       INTEGER NOT NULL,
    digest        BLOB NOT NULL,
    policy_number INTEGER NOT NULL,
    policy        BLOB NOT NULL,
    stopped       TEXT,
    PRIMARY KEY (organisation, id),
    FOREIGN KEY (organisation, location) REFERENCES locations (organisation, id)
) STRICT;

CREATE TABLE zone_access (
    organisation TEXT NOT NULL,
    zone         TEXT NOT NULL,
    membership   TEXT NOT NULL,
    schedule     TEXT,
    PRIMARY KEY (organisation, zone, membership),
    FOREIGN KEY (organisation, zone) REFERENCES zones (organisation, id),
    FOREIGN KEY (organisation, membership) REFERENCES membership_types (organisation, id)
) STRICT;

CREATE TABLE agents (
    organisation    TEXT NOT NULL REFERENCES organisations (id),
    id              TEXT NOT NULL,
    name            TEXT NOT NULL,
    public_key      BLOB,
    sealing_key     BLOB,
    password_sha256 BLOB,
    paired_at       INTEGER,
    revoked_at      INTEGER,
    config_number   INTEGER NOT NULL,
    command_counter INTEGER NOT NULL,
    boot            BLOB,
    report_counter  INTEGER NOT NULL,
    report          BLOB,
    report_at       INTEGER,
    PRIMARY KEY (organisation, id)
) STRICT;

CREATE TABLE pairing_codes (
    handle       BLOB NOT NULL PRIMARY KEY,
    organisation TEXT NOT NULL,
    agent        TEXT NOT NULL,
    secret       BLOB NOT NULL,
    expires_at   INTEGER NOT NULL,
    tries_left   INTEGER NOT NULL,
    used_at      INTEGER,
    FOREIGN KEY (organisation, agent) REFERENCES agents (organisation, id)
) STRICT;

CREATE TABLE doors (
    organisation TEXT NOT NULL REFERENCES organisations (id),
    id           TEXT NOT NULL,
    name         TEXT NOT NULL,
    zone         TEXT NOT NULL,
    agent        TEXT,
    enrols       INTEGER NOT NULL,
    PRIMARY KEY (organisation, id),
    FOREIGN KEY (organisation, zone) REFERENCES zones (organisation, id),
    FOREIGN KEY (organisation, agent) REFERENCES agents (organisation, id)
) STRICT;

CREATE TABLE members (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    holder       INTEGER NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    mail         TEXT,
    mail_folded  TEXT,
    keyholder    INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    standing     TEXT,
    next_change  INTEGER
) STRICT;
CREATE INDEX members_by_mail ON members (organisation, mail_folded);
CREATE INDEX members_by_next_change ON members (next_change);

CREATE TABLE cards (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    member       INTEGER NOT NULL REFERENCES members (id),
    uid_sealed   BLOB NOT NULL,
    uid_index    BLOB NOT NULL,
    last_digits  TEXT NOT NULL,
    label        TEXT NOT NULL,
    state        TEXT NOT NULL,
    state_since  INTEGER NOT NULL,
    UNIQUE (organisation, uid_index)
) STRICT;
CREATE INDEX cards_by_member ON cards (member);

CREATE TABLE accounts (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation   TEXT NOT NULL REFERENCES organisations (id),
    name           TEXT NOT NULL,
    mode           TEXT NOT NULL,
    stripe_id      TEXT,
    confirmed_at   INTEGER,
    pull_created   INTEGER NOT NULL,
    UNIQUE (organisation, name, mode)
) STRICT;

CREATE TABLE customers (
    account      INTEGER NOT NULL REFERENCES accounts (id),
    id           TEXT NOT NULL,
    member       INTEGER REFERENCES members (id),
    link         TEXT,
    confirmed    INTEGER NOT NULL,
    mail         TEXT,
    name         TEXT,
    reference    TEXT,
    stamp        TEXT NOT NULL DEFAULT '',
    known        INTEGER NOT NULL,
    seen_at      INTEGER NOT NULL,
    deleted_at   INTEGER,
    wants_fetch  INTEGER,
    tries        INTEGER NOT NULL,
    ticket       INTEGER NOT NULL,
    fetched_at   INTEGER,
    unread_since INTEGER,
    PRIMARY KEY (account, id)
) STRICT;
CREATE INDEX customers_by_member ON customers (member);
CREATE INDEX customers_by_wants_fetch ON customers (wants_fetch);

CREATE TABLE inbox (
    id          INTEGER PRIMARY KEY,
    account     INTEGER NOT NULL REFERENCES accounts (id),
    event       TEXT NOT NULL,
    kind        TEXT NOT NULL,
    created     INTEGER NOT NULL,
    body        BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    state       TEXT NOT NULL,
    tries       INTEGER NOT NULL,
    note        TEXT,
    UNIQUE (account, event)
) STRICT;
CREATE INDEX inbox_pending ON inbox (id) WHERE state = 'pending';

CREATE TABLE objects (
    account  INTEGER NOT NULL REFERENCES accounts (id),
    id       TEXT NOT NULL,
    kind     TEXT NOT NULL,
    customer TEXT NOT NULL,
    stamp    TEXT NOT NULL,
    as_of    INTEGER NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (account, id)
) STRICT;
CREATE INDEX objects_by_customer ON objects (account, customer);

CREATE TABLE prices (
    account  INTEGER NOT NULL REFERENCES accounts (id),
    id       TEXT NOT NULL,
    x        TEXT,
    place    TEXT,
    warnings TEXT NOT NULL,
    waiting  TEXT,
    stamp    TEXT NOT NULL,
    PRIMARY KEY (account, id)
) STRICT;

CREATE TABLE coverage (
    account  INTEGER NOT NULL REFERENCES accounts (id),
    customer TEXT NOT NULL,
    item     TEXT NOT NULL,
    seat     INTEGER NOT NULL,
    member   INTEGER NOT NULL REFERENCES members (id),
    named_at INTEGER NOT NULL,
    PRIMARY KEY (account, item, seat)
) STRICT;
CREATE INDEX coverage_by_member ON coverage (member);
CREATE INDEX coverage_by_customer ON coverage (account, customer);

CREATE TABLE payments (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    source       TEXT NOT NULL,
    account      INTEGER REFERENCES accounts (id),
    invoice      TEXT,
    customer     TEXT,
    member       INTEGER REFERENCES members (id),
    membership   TEXT,
    amount       INTEGER NOT NULL,
    currency     TEXT NOT NULL,
    reason       TEXT NOT NULL,
    period_from  INTEGER,
    period_until INTEGER,
    paid_at      INTEGER NOT NULL,
    note         TEXT NOT NULL,
    UNIQUE (account, invoice)
) STRICT;
CREATE INDEX payments_by_member ON payments (member);
CREATE INDEX payments_by_customer ON payments (account, customer);

CREATE TABLE grants (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    member     INTEGER NOT NULL REFERENCES members (id),
    membership TEXT NOT NULL,
    starts_at  INTEGER NOT NULL,
    ends_at    INTEGER,
    reason     TEXT NOT NULL,
    made_by    TEXT NOT NULL
) STRICT;
CREATE INDEX grants_by_member ON grants (member);

CREATE TABLE holds (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    member    INTEGER NOT NULL REFERENCES members (id),
    starts_at INTEGER NOT NULL,
    ends_at   INTEGER,
    reason    TEXT NOT NULL,
    made_by   TEXT NOT NULL
) STRICT;
CREATE INDEX holds_by_member ON holds (member);

CREATE TABLE terms (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    member     INTEGER NOT NULL REFERENCES members (id),
    source     TEXT NOT NULL,
    membership TEXT NOT NULL,
    opened_at  INTEGER NOT NULL,
    closed_at  INTEGER,
    cause      TEXT NOT NULL
) STRICT;
CREATE INDEX terms_by_member ON terms (member);

CREATE TABLE audit (
    id           INTEGER PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    action       TEXT NOT NULL,
    member       INTEGER,
    cause        TEXT NOT NULL,
    body         TEXT
) STRICT;
CREATE INDEX audit_by_member ON audit (member, at);

CREATE TABLE entries (
    organisation TEXT NOT NULL,
    zone         TEXT NOT NULL,
    token        BLOB NOT NULL,
    member       INTEGER NOT NULL REFERENCES members (id),
    card         INTEGER NOT NULL REFERENCES cards (id),
    entry        BLOB NOT NULL,
    PRIMARY KEY (organisation, zone, token),
    FOREIGN KEY (organisation, zone) REFERENCES zones (organisation, id)
) STRICT;
CREATE INDEX entries_by_member ON entries (member);

CREATE TABLE revisions (
    organisation TEXT NOT NULL,
    zone         TEXT NOT NULL,
    epoch_number INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    delta        BLOB NOT NULL,
    made_at      INTEGER NOT NULL,
    PRIMARY KEY (organisation, zone, epoch_number, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE boots (
    organisation TEXT NOT NULL,
    agent        TEXT NOT NULL,
    boot         BLOB NOT NULL,
    up_to        INTEGER NOT NULL,
    chain        BLOB NOT NULL,
    PRIMARY KEY (organisation, agent, boot),
    FOREIGN KEY (organisation, agent) REFERENCES agents (organisation, id)
) STRICT;

CREATE TABLE badges (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL,
    agent        TEXT NOT NULL,
    boot         BLOB NOT NULL,
    sequence     INTEGER NOT NULL,
    sha256       BLOB NOT NULL,
    at           INTEGER NOT NULL,
    trusted      INTEGER NOT NULL,
    door         TEXT,
    kind         TEXT NOT NULL,
    reason       TEXT,
    holder       INTEGER,
    body         BLOB NOT NULL,
    received_at  INTEGER NOT NULL,
    UNIQUE (organisation, agent, boot, sequence, sha256),
    FOREIGN KEY (organisation, agent) REFERENCES agents (organisation, id)
) STRICT;
CREATE INDEX badges_by_time ON badges (organisation, at);
CREATE INDEX badges_by_holder ON badges (holder, at);

CREATE TABLE commands (
    organisation TEXT NOT NULL,
    agent        TEXT NOT NULL,
    counter      INTEGER NOT NULL,
    action       TEXT NOT NULL,
    door         TEXT,
    asked_by     TEXT NOT NULL,
    subject      INTEGER,
    issued_at    INTEGER NOT NULL,
    outcome      TEXT,
    PRIMARY KEY (organisation, agent, counter),
    FOREIGN KEY (organisation, agent) REFERENCES agents (organisation, id)
) STRICT;

CREATE TABLE attention (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    kind         TEXT NOT NULL,
    subject      TEXT NOT NULL,
    sentence     TEXT NOT NULL,
    remedy       TEXT NOT NULL,
    member       INTEGER,
    opened_at    INTEGER NOT NULL,
    resolved_at  INTEGER
) STRICT;
CREATE UNIQUE INDEX attention_open ON attention (organisation, kind, subject) WHERE resolved_at IS NULL;

CREATE TABLE counters (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
