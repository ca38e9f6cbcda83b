-- What a member types after a card, sealed, and since when; how soon a card passes a door again and is marked for it.
ALTER TABLE members ADD COLUMN pin_sealed BYTEA;
ALTER TABLE members ADD COLUMN pin_since BIGINT;
ALTER TABLE doors ADD COLUMN again_within BIGINT;
