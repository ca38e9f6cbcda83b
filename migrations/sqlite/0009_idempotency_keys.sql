-- What clients called their requests, so that one that is sent again is answered and not done again.
CREATE TABLE idempotency_keys (
    organisation   TEXT NOT NULL REFERENCES organisations (id),
    key            TEXT NOT NULL,
    request_sha256 BLOB NOT NULL,
    answer         TEXT,
    used_at        INTEGER NOT NULL,
    PRIMARY KEY (organisation, key)
) STRICT;
