-- When Stripe is asked what a thin event is about; at once if nothing is said.
ALTER TABLE inbox ADD COLUMN ask_at INTEGER;
CREATE INDEX inbox_asking ON inbox (id) WHERE state = 'asking';
