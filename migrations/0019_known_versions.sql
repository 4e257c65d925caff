-- Versions of the rules are never changed and never removed (rule_versions_are_kept), so that a row that names one needs no
-- hold of it. A foreign key takes one for each row: every result of a test, of every child, wrote to the one row of the live
-- version, and the more of them at the same time, the longer it took. Now the triggers that keep the laws of rows look whether
-- it is there. They refuse under the same names.

-- In the order in which the result of a test takes hold of them.
LOCK TABLE points_accounts, verification_schedule, learning_progress, points_transactions, rule_versions
    IN ACCESS EXCLUSIVE MODE;

ALTER TABLE points_transactions DROP CONSTRAINT points_transactions_rule_version_fkey;
ALTER TABLE verification_schedule DROP CONSTRAINT verification_schedule_rule_version_fkey;

CREATE OR REPLACE FUNCTION keep_laws_of_move() RETURNS trigger
    LANGUAGE plpgsql
AS $$
DECLARE
    law pg_catalog.text;
BEGIN
    IF public.is_award(NEW) THEN
        law := public.broken_law_of_award(NEW);
    ELSE
        law := public.broken_law_of_other(NEW);
    END IF;
    IF law IS NOT NULL THEN
        RAISE EXCEPTION 'new row for relation "%" violates check constraint "%"', TG_TABLE_NAME, law
            USING ERRCODE = 'check_violation', SCHEMA = 'public', TABLE = TG_TABLE_NAME, CONSTRAINT = law;
    END IF;
    PERFORM FROM public.rule_versions r WHERE r.version OPERATOR(pg_catalog.=) NEW.rule_version;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no version % of the rules', NEW.rule_version
            USING ERRCODE = 'foreign_key_violation', SCHEMA = 'public', TABLE = TG_TABLE_NAME,
                  CONSTRAINT = 'points_transactions_rule_version_fkey';
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION keep_laws_of_test() RETURNS trigger
    LANGUAGE plpgsql
AS $$
DECLARE
    law pg_catalog.text;
BEGIN
    IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
        law := public.forbidden_change(OLD, NEW);
        IF law IS NOT NULL THEN
            RAISE EXCEPTION 'UPDATE of % is not allowed', TG_TABLE_NAME
                USING ERRCODE = 'insufficient_privilege', SCHEMA = 'public', TABLE = TG_TABLE_NAME, CONSTRAINT = law;
        END IF;
    ELSE
        PERFORM FROM public.rule_versions r WHERE r.version OPERATOR(pg_catalog.=) NEW.rule_version;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no version % of the rules', NEW.rule_version
                USING ERRCODE = 'foreign_key_violation', SCHEMA = 'public', TABLE = TG_TABLE_NAME,
                      CONSTRAINT = 'verification_schedule_rule_version_fkey';
        END IF;
    END IF;
    law := public.broken_law(NEW);
    IF law IS NULL AND public.is_started(NEW) THEN
        law := public.broken_law_of_started(NEW);
    END IF;
    IF law IS NOT NULL THEN
        RAISE EXCEPTION 'new row for relation "%" violates check constraint "%"', TG_TABLE_NAME, law
            USING ERRCODE = 'check_violation', SCHEMA = 'public', TABLE = TG_TABLE_NAME, CONSTRAINT = law;
    END IF;
    RETURN NEW;
END
$$;

-- Which version has planned a test is said once.
CREATE TRIGGER verification_schedule_version_stays
    BEFORE UPDATE OF rule_version ON verification_schedule
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
