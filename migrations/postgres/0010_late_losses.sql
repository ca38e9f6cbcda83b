-- Who lost access by old news of Stripe, and when: the brake counts them also after a restart.
CREATE TABLE late_losses (
    account BIGINT NOT NULL REFERENCES accounts (id),
    member  BIGINT NOT NULL,
    lost_at BIGINT NOT NULL,
    PRIMARY KEY (account, member)
);
