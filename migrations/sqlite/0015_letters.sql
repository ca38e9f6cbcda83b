-- Letters to members and staff: what each says is kept as data, and its text is made when it is sent.
CREATE TABLE letters (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    -- `member 5`, `payer 1 cus_…` or `staff 2`; the address is looked up when it is sent.
    reader       TEXT NOT NULL,
    kind         TEXT NOT NULL,
    -- Of a kind, each cause is mailed once to each reader.
    cause        TEXT NOT NULL,
    content      TEXT NOT NULL,
    -- What its link carries, sealed; gone once the letter is.
    secret       BLOB,
    made_at      INTEGER NOT NULL,
    -- When it is tried next; none: it is gone, or never will be.
    due_at       INTEGER,
    tries        INTEGER NOT NULL DEFAULT 0,
    -- When it went out last.
    sent_at      INTEGER,
    -- What came of the last try.
    outcome      TEXT,
    UNIQUE (organisation, reader, kind, cause)
) STRICT;
CREATE INDEX letters_due ON letters (organisation, due_at) WHERE due_at IS NOT NULL;

-- What an organisation writes in place of our own texts.
CREATE TABLE letter_texts (
    organisation TEXT NOT NULL REFERENCES organisations (id),
    kind         TEXT NOT NULL,
    language     TEXT NOT NULL,
    subject      TEXT NOT NULL,
    body         TEXT NOT NULL,
    PRIMARY KEY (organisation, kind, language)
) STRICT;

-- In which language letters are written: to whoever has none of their own in the organisation's.
ALTER TABLE organisations ADD COLUMN language TEXT NOT NULL DEFAULT 'en';
ALTER TABLE members ADD COLUMN language TEXT;

-- Whether somebody with rights is written to of what cannot wait.
ALTER TABLE staff ADD COLUMN mailed INTEGER NOT NULL DEFAULT 1;
