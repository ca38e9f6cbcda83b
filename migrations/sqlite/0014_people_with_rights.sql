-- People with rights: how they sign in, what they may do, and the browsers in which they are signed in.
CREATE TABLE staff (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    name         TEXT NOT NULL,
    mail         TEXT NOT NULL,
    mail_folded  TEXT NOT NULL,
    role         TEXT NOT NULL,
    -- argon2id; none: invited, and not there yet.
    password     TEXT,
    totp_sealed  BLOB,
    -- The last time step whose code was used (RFC 6238, section 5.2).
    totp_step    INTEGER NOT NULL DEFAULT 0,
    -- Wrong tries since the last right one, and when the last of them was.
    failures     INTEGER NOT NULL DEFAULT 0,
    failed_at    INTEGER,
    -- SHA-256 of what the invitation's link carries, and until when it works.
    invitation   BLOB,
    invited_until INTEGER,
    created_at   INTEGER NOT NULL,
    removed_at   INTEGER
) STRICT;
CREATE UNIQUE INDEX staff_by_mail ON staff (organisation, mail_folded) WHERE removed_at IS NULL;

CREATE TABLE sessions (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    staff        INTEGER NOT NULL REFERENCES staff (id),
    -- SHA-256 of what the cookie carries.
    token        BLOB NOT NULL UNIQUE,
    -- What the browser says it is, shortened.
    browser      TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    seen_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_staff ON sessions (staff);
