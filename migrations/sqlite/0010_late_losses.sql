-- Who lost access by old news of Stripe, and when: the brake counts them also after a restart.
CREATE TABLE late_losses (
    account INTEGER NOT NULL REFERENCES accounts (id),
    member  INTEGER NOT NULL,
    lost_at INTEGER NOT NULL,
    PRIMARY KEY (account, member)
) STRICT;
