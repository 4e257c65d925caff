-- The limits of a day begin anew at midnight, and somewhere it always is: when a parent's time zone was changed last.

ALTER TABLE users ADD COLUMN time_zone_changed_at timestamptz; -- NULL: it is the one of the sign-up

GRANT UPDATE (time_zone_changed_at) ON users TO :serving_role;
