-- Of a payment by hand: the moment from whose day and time of day the next period is counted; and, if it was declared
-- void, when and why.
ALTER TABLE payments ADD COLUMN anchor_at BIGINT;
ALTER TABLE payments ADD COLUMN voided_at BIGINT;
ALTER TABLE payments ADD COLUMN void_reason TEXT;

-- Whom a notice is for that is about no customer of Stripe's; its `customer` is empty.
ALTER TABLE notices ADD COLUMN member BIGINT;
