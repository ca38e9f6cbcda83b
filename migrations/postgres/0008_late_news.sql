-- When an admin said yes to old events that take access from many.
ALTER TABLE inbox ADD COLUMN approved_at BIGINT;
CREATE INDEX inbox_held ON inbox (account) WHERE state = 'held';
