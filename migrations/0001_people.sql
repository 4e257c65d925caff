-- Parents, their children, and the versions of the rules.
--
-- Conventions of every migration: times are timestamptz and given by the program (business time), never defaulted; keys
-- of a family's tables contain child_id, and references between them are composite, so that no row can point into
-- another child's data; only references to children cascade. :serving_role is the role the server runs as: it owns
-- nothing and gets no more than it needs.

CREATE TABLE users (
    id            uuid        NOT NULL DEFAULT gen_random_uuid(),
    email         text        NOT NULL,
    password_hash text        NOT NULL,
    name          text,
    phone         text,
    country       text        NOT NULL DEFAULT 'TW',
    time_zone     text        NOT NULL DEFAULT 'Asia/Taipei',
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_email_shape CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254 AND position('@' IN email) > 1),
    CONSTRAINT users_name_length CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT users_phone_length CHECK (length(phone) BETWEEN 1 AND 40),
    CONSTRAINT users_country_shape CHECK (country ~ '^[A-Z]{2}$'),
    -- Names of the time zone database only: PostgreSQL would also read POSIX rules such as "Foo/Bar3".
    CONSTRAINT users_time_zone_shape CHECK (time_zone = 'UTC' OR time_zone ~ '^[A-Za-z_]+(/[A-Za-z_-]+)+$'),
    -- An unknown name raises 22023 here, so that no later date computation can.
    CONSTRAINT users_time_zone_known CHECK ((timestamptz '2000-01-01 00:00:00+00' AT TIME ZONE time_zone) IS NOT NULL)
);

CREATE TABLE children (
    id         uuid        NOT NULL DEFAULT gen_random_uuid(),
    parent_id  uuid        NOT NULL,
    name       text        NOT NULL,
    age        integer,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT children_pkey PRIMARY KEY (id),
    -- Serves "all children of a parent", and withdrawals point at it to prove that the parent is the child's own.
    CONSTRAINT children_parent_key UNIQUE (parent_id, id),
    CONSTRAINT children_parent_fkey FOREIGN KEY (parent_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT children_name_length CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT children_age_range CHECK (age BETWEEN 0 AND 25)
);

-- Every set of rule files that was ever live: version is its hash, sources maps path to text.
CREATE TABLE rule_versions (
    version    text        NOT NULL,
    sources    jsonb       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT rule_versions_pkey PRIMARY KEY (version),
    CONSTRAINT rule_versions_version_shape CHECK (version ~ '^[0-9a-f]{64}$'),
    CONSTRAINT rule_versions_sources_shape CHECK (jsonb_typeof(sources) = 'object')
);

CREATE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION '% of % is not allowed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
END
$$;

CREATE TRIGGER rule_versions_are_kept
    BEFORE UPDATE OR DELETE OR TRUNCATE ON rule_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT USAGE ON SCHEMA public TO :serving_role;
GRANT SELECT, INSERT ON users, children TO :serving_role;
GRANT UPDATE (email, password_hash, name, phone, country, time_zone, updated_at) ON users TO :serving_role;
GRANT UPDATE (name, age, updated_at) ON children TO :serving_role;
GRANT SELECT, INSERT ON rule_versions TO :serving_role;
