-- What Stripe last showed of a price, for people; and since when it is gone there, which takes nobody's type away.
ALTER TABLE prices ADD COLUMN face TEXT;
ALTER TABLE prices ADD COLUMN gone_at INTEGER;
-- When Stripe last listed its catalogue, and since when that should be done again.
ALTER TABLE accounts ADD COLUMN listed_at INTEGER;
ALTER TABLE accounts ADD COLUMN wants_list INTEGER;

CREATE TABLE mappings (
    account    INTEGER NOT NULL REFERENCES accounts (id),
    price      TEXT NOT NULL,
    membership TEXT NOT NULL,
    made_by    TEXT NOT NULL,
    made_at    INTEGER NOT NULL,
    PRIMARY KEY (account, price)
) STRICT;

CREATE TABLE gift_cards (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    code_sha256  BLOB NOT NULL UNIQUE,
    last_letters TEXT NOT NULL,
    amount       INTEGER NOT NULL,
    currency     TEXT NOT NULL,
    buyer        TEXT NOT NULL,
    note         TEXT NOT NULL,
    made_by      TEXT NOT NULL,
    issued_at    INTEGER NOT NULL,
    state        TEXT NOT NULL,
    tries        INTEGER NOT NULL,
    account      INTEGER REFERENCES accounts (id),
    customer     TEXT,
    member       INTEGER REFERENCES members (id),
    begun_at     INTEGER,
    movement     TEXT,
    settled_at   INTEGER
) STRICT;
CREATE INDEX gift_cards_redeeming ON gift_cards (id) WHERE state = 'redeeming';

CREATE TABLE plan_changes (
    token          TEXT NOT NULL PRIMARY KEY,
    organisation   TEXT NOT NULL REFERENCES organisations (id),
    account        INTEGER NOT NULL REFERENCES accounts (id),
    member         INTEGER NOT NULL REFERENCES members (id),
    customer       TEXT NOT NULL,
    subscription   TEXT NOT NULL,
    item           TEXT NOT NULL,
    from_price     TEXT NOT NULL,
    to_price       TEXT NOT NULL,
    at_period_end  INTEGER NOT NULL,
    proration_date INTEGER NOT NULL,
    made_at        INTEGER NOT NULL,
    state          TEXT NOT NULL,
    schedule       TEXT
) STRICT;
