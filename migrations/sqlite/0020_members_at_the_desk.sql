-- Standing in one word, taken from the standing itself, so that members are counted and found by it.
ALTER TABLE members ADD COLUMN state TEXT GENERATED ALWAYS AS (json_extract(standing, '$.state.state')) VIRTUAL;
CREATE INDEX members_by_state ON members (organisation, state, id);
CREATE INDEX members_by_number ON members (organisation, id);
CREATE INDEX terms_open ON terms (membership, member) WHERE closed_at IS NULL;

-- By whose beginnings a member is found: the words of name and mail address in lower case, and the number.
CREATE TABLE member_words (
    organisation TEXT NOT NULL REFERENCES organisations (id),
    word         TEXT NOT NULL,
    member       INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    PRIMARY KEY (organisation, word, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_words_by_member ON member_words (member, word);

-- What staff write down about a member. Nobody changes a note; one that was erased keeps only who wrote and who erased it.
CREATE TABLE member_notes (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    member       INTEGER NOT NULL REFERENCES members (id),
    text         TEXT,
    made_by      TEXT NOT NULL,
    made_at      INTEGER NOT NULL,
    erased_by    TEXT,
    erased_at    INTEGER
) STRICT;
CREATE INDEX member_notes_by_member ON member_notes (member);

-- Files of members that were taken over, and what each of them made: what is undone is undone as a whole.
CREATE TABLE imports (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    made_by      TEXT NOT NULL,
    made_at      INTEGER NOT NULL,
    undone_by    TEXT,
    undone_at    INTEGER
) STRICT;
CREATE TABLE import_things (
    import INTEGER NOT NULL REFERENCES imports (id),
    -- `member`, `card` or `payment`.
    kind   TEXT NOT NULL,
    thing  INTEGER NOT NULL,
    PRIMARY KEY (import, kind, thing)
) STRICT, WITHOUT ROWID;
