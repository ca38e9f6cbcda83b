-- Accounts at the OpenID provider by which people with rights sign in (openid.net/specs/openid-connect-core-1_0.html, section 2:
-- issuer and subject together name one account for ever).
CREATE TABLE identities (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    staff        INTEGER NOT NULL REFERENCES staff (id),
    issuer       TEXT NOT NULL,
    subject      TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    used_at      INTEGER,
    UNIQUE (organisation, issuer, subject)
) STRICT;
CREATE INDEX identities_by_staff ON identities (staff);

-- Whether the provider let somebody in: it may not have asked who sits there.
ALTER TABLE sessions ADD COLUMN by_provider INTEGER NOT NULL DEFAULT 0;
