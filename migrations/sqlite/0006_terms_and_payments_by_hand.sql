-- What ended a term: what brought the end, and what its fact said then.
ALTER TABLE terms ADD COLUMN closed_cause TEXT;
ALTER TABLE terms ADD COLUMN closed_because TEXT;
