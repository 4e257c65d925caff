-- Where a session is used from, and when it last was: for the parent to recognise it, and so that whoever guesses at the
-- password from elsewhere uses up none of the attempts that the parent has from here.
ALTER TABLE sessions
    ADD COLUMN address text,
    ADD COLUMN used_at timestamptz;
UPDATE sessions SET used_at = created_at;
ALTER TABLE sessions
    ALTER COLUMN used_at SET NOT NULL,
    ADD CONSTRAINT sessions_address_length CHECK (length(address) BETWEEN 1 AND 100);

GRANT UPDATE (address, used_at) ON sessions TO :serving_role;
