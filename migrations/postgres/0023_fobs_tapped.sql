-- As what the fob is called that is put into the pool when a card is shown; none: the card is the subject's.
ALTER TABLE commands ADD COLUMN fob TEXT;
