-- Whether a human settled an item although its cause lasts: then it is not opened again before the cause has gone.
ALTER TABLE attention ADD COLUMN accepted BIGINT NOT NULL DEFAULT 0;
CREATE INDEX attention_accepted ON attention (organisation, kind, subject) WHERE accepted = 1;

-- The subscription whose access alone is withheld; none: all access.
ALTER TABLE holds ADD COLUMN subscription TEXT;

-- Events made before this were looked through for deliveries that failed.
ALTER TABLE accounts ADD COLUMN swept_created BIGINT;
