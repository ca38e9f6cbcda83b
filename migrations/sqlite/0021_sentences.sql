-- What an item says, as data: it is told in the language of whoever reads it. Nothing: an earlier version wrote it.
ALTER TABLE attention ADD COLUMN told TEXT;
