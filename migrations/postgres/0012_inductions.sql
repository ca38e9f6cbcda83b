-- Who was shown how to use a zone that demands it.
CREATE TABLE inductions (
    organisation TEXT NOT NULL,
    zone         TEXT NOT NULL,
    member       BIGINT NOT NULL REFERENCES members (id),
    given_by     TEXT NOT NULL,
    given_at     BIGINT NOT NULL,
    PRIMARY KEY (member, zone),
    FOREIGN KEY (organisation, zone) REFERENCES zones (organisation, id)
);
