-- Money that went back, in Stripe's own words: a row for each refund, dispute and credit note, and for what a charge
-- says of its refunds together. `payment` is the payment intent, or the charge where there is none.
CREATE TABLE reversals (
    account  INTEGER NOT NULL REFERENCES accounts (id),
    id       TEXT NOT NULL,
    kind     TEXT NOT NULL,
    payment  TEXT,
    invoice  TEXT,
    customer TEXT,
    amount   INTEGER NOT NULL,
    currency TEXT NOT NULL,
    status   TEXT NOT NULL,
    reason   TEXT NOT NULL,
    made_at  INTEGER NOT NULL,
    stamp    TEXT NOT NULL,
    trace_at INTEGER NOT NULL,
    tries    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, id)
) STRICT;
CREATE INDEX reversals_by_customer ON reversals (account, customer);
CREATE INDEX reversals_by_payment ON reversals (account, payment);
CREATE INDEX reversals_untraced ON reversals (trace_at) WHERE invoice IS NULL;

-- Which invoice a payment paid and whose it was, from whoever told first.
CREATE TABLE charges (
    account  INTEGER NOT NULL REFERENCES accounts (id),
    payment  TEXT NOT NULL,
    invoice  TEXT,
    customer TEXT,
    PRIMARY KEY (account, payment)
) STRICT;

-- What payers are to be told, once each however often it comes; sent when the sender runs.
CREATE TABLE notices (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    account  INTEGER NOT NULL REFERENCES accounts (id),
    customer TEXT NOT NULL,
    kind     TEXT NOT NULL,
    subject  TEXT NOT NULL,
    cause    TEXT NOT NULL,
    made_at  INTEGER NOT NULL,
    UNIQUE (account, kind, subject)
) STRICT;
CREATE INDEX notices_by_customer ON notices (account, customer);

-- What a human should look at about a member, as last derived.
ALTER TABLE members ADD COLUMN concerns TEXT NOT NULL DEFAULT '[]';

-- When everything was last compared with Stripe.
ALTER TABLE accounts ADD COLUMN reconciled_at INTEGER;
