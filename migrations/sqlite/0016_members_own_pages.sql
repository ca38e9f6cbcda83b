-- How members come to their own pages: links that are mailed to them, and the browsers in which they are signed in.
CREATE TABLE member_links (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    mail_folded  TEXT NOT NULL,
    asked_at     INTEGER NOT NULL,
    -- SHA-256 of what the link carries; none: it has yet to be mailed, if anybody has that address.
    token        BLOB UNIQUE,
    works_until  INTEGER
) STRICT;

CREATE TABLE member_sessions (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    member       INTEGER NOT NULL REFERENCES members (id),
    -- SHA-256 of what the cookie carries.
    token        BLOB NOT NULL UNIQUE,
    -- What the browser says it is, shortened.
    browser      TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    seen_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX member_sessions_by_member ON member_sessions (member);

-- Members who want to be forgotten.
CREATE TABLE erasures (
    member       INTEGER NOT NULL PRIMARY KEY REFERENCES members (id),
    organisation TEXT NOT NULL REFERENCES organisations (id),
    asked_by     TEXT NOT NULL,
    asked_at     INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    -- What keeps the cards shut meanwhile.
    hold         INTEGER NOT NULL,
    -- Subscriptions that no longer renew because of this: JSON.
    stopped      TEXT NOT NULL DEFAULT '[]',
    -- `asked`, `waiting` (nothing renews any more), `taken_back`, `forgotten` (the file has yet to be cleaned) or `done`.
    state        TEXT NOT NULL,
    -- When the next step is tried.
    again_at     INTEGER NOT NULL
) STRICT;

-- Since when nothing is known of a person or payer any more but numbers.
ALTER TABLE members ADD COLUMN erased_at INTEGER;
ALTER TABLE customers ADD COLUMN erased_at INTEGER;
-- Up to which event the inbox was looked through for payers who were forgotten.
ALTER TABLE accounts ADD COLUMN scrubbed_to INTEGER NOT NULL DEFAULT 0;

-- Whether members may change to a type by themselves.
ALTER TABLE membership_types ADD COLUMN members_choose INTEGER NOT NULL DEFAULT 0;
