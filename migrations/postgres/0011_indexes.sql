-- What is asked all the time is asked by account or organisation: without it in the index, everything ever stored was walked
-- through.
DROP INDEX inbox_pending;
CREATE INDEX inbox_pending ON inbox (account, id) WHERE state = 'pending';
DROP INDEX inbox_asking;
CREATE INDEX inbox_asking ON inbox (account, id) WHERE state = 'asking';
DROP INDEX customers_by_wants_fetch;
CREATE INDEX customers_by_wants_fetch ON customers (account, wants_fetch);
DROP INDEX objects_by_customer;
CREATE INDEX objects_by_customer ON objects (account, customer, id);
DROP INDEX members_by_next_change;
CREATE INDEX members_by_next_change ON members (organisation, next_change, id);
