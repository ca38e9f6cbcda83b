-- The audit log as a chain: each line's hash is made of the one before and of what the line says; of its body, which may tell
-- of a person, only a salted digest is in it, so that erasing the body and the salt leaves the chain whole.
ALTER TABLE audit ADD COLUMN place INTEGER;
ALTER TABLE audit ADD COLUMN salt BLOB;
ALTER TABLE audit ADD COLUMN digest BLOB;
ALTER TABLE audit ADD COLUMN hash BLOB;
CREATE UNIQUE INDEX audit_by_place ON audit (organisation, place);
CREATE INDEX audit_unchained ON audit (organisation, id) WHERE place IS NULL;

CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log only grows');
END;
CREATE TRIGGER audit_is_not_rewritten BEFORE UPDATE ON audit
WHEN NOT (NEW.id IS OLD.id AND NEW.organisation IS OLD.organisation AND NEW.at IS OLD.at AND NEW.actor IS OLD.actor
    AND NEW.action IS OLD.action AND NEW.member IS OLD.member AND NEW.cause IS OLD.cause
    AND (NEW.body IS OLD.body OR NEW.body IS NULL)
    AND (OLD.place IS NULL OR (NEW.place IS OLD.place AND NEW.digest IS OLD.digest AND NEW.hash IS OLD.hash
        AND (NEW.salt IS OLD.salt OR NEW.salt IS NULL)))) BEGIN
    SELECT RAISE(ABORT, 'the audit log only grows');
END;

-- Keys on devices or phones by which people with rights sign in without a password (www.w3.org/TR/webauthn-3).
CREATE TABLE passkeys (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    staff        INTEGER NOT NULL REFERENCES staff (id),
    name         TEXT NOT NULL,
    credential   BLOB NOT NULL,
    -- For whose pages it was made: scheme, host and port.
    origin       TEXT NOT NULL,
    -- As the device gave it (COSE, RFC 9052).
    public_key   BLOB NOT NULL,
    -- How often it says that it signed; goes up, or stays 0.
    signatures   INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    used_at      INTEGER,
    UNIQUE (organisation, credential)
) STRICT;
CREATE INDEX passkeys_by_staff ON passkeys (staff);
