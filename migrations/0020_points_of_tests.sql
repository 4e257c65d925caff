-- A test names its learning point, which is that of its progress and changes as little. Lists of tests show it, and looked it up
-- in the progress of each row, which was more work than all else that they did.
--
-- Every row is written once more while the table is locked: some 5 seconds for 100,000 tests. VACUUM it afterwards.

LOCK TABLE verification_schedule IN ACCESS EXCLUSIVE MODE;

-- Without a default, so that the functions that keep the laws of its rows need not be made again.
ALTER TABLE verification_schedule ADD COLUMN learning_point_id text COLLATE "C";

-- Nothing else of a result changes.
ALTER TABLE verification_schedule DISABLE TRIGGER USER;
UPDATE verification_schedule v
SET learning_point_id = p.learning_point_id
FROM learning_progress p
WHERE p.child_id = v.child_id AND p.id = v.learning_progress_id;
ALTER TABLE verification_schedule ENABLE TRIGGER USER;

ALTER TABLE verification_schedule ALTER COLUMN learning_point_id SET NOT NULL;

-- As before, but for the learning point: who plans a test knows it as a rule; else it is looked up. Whether what is given is
-- right only `lexicraft audit` asks.
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
        IF NEW.learning_point_id IS NULL THEN
            NEW.learning_point_id := (
                SELECT p.learning_point_id
                FROM public.learning_progress p
                WHERE p.child_id OPERATOR(pg_catalog.=) NEW.child_id
                  AND p.id OPERATOR(pg_catalog.=) NEW.learning_progress_id);
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

-- It stays, as the version of the rules does that planned the test.
CREATE TRIGGER verification_schedule_point_stays
    BEFORE UPDATE OF learning_point_id ON verification_schedule
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
