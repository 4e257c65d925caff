-- What every table must be, read from PostgreSQL's catalogue, so that a new one cannot forget it.
local db = require "db"

-- Tables with child_id, and the only one of the family that has none.
local FAMILY = [[
  select c.oid, c.relname::text as name
  from pg_class c
  join pg_attribute a on a.attrelid = c.oid and a.attname = 'child_id' and not a.attisdropped
  where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
  order by 2]]

local function names(sql)
  local found = {}
  for index, row in ipairs(db.query(sql)) do
    found[index] = row.name
  end
  return found
end

describe("the catalogue", function()
  it("knows the family's tables", function()
    assert.are.same({
      "bonuses", "child_devices", "learning_progress", "moved_bonuses", "moved_children", "moved_transactions",
      "points_accounts", "points_transactions", "relationship_discoveries", "verification_schedule", "withdrawal_requests",
    }, names(FAMILY))
  end)

  it("has child_id in every unique key of a family table", function()
    assert.are.same({}, names([[
      with family as (]] .. FAMILY .. [[)
      select i.indexrelid::regclass::text as name
      from pg_index i
      join family on family.oid = i.indrelid
      where i.indisunique and not exists (
        select 1 from pg_attribute a
        where a.attrelid = i.indrelid and a.attname = 'child_id' and a.attnum = any(i.indkey::smallint[]))]]))
  end)

  it("has child_id in every reference between family tables", function()
    assert.are.same({}, names([[
      with family as (]] .. FAMILY .. [[)
      select k.conname::text as name
      from pg_constraint k
      join family here on here.oid = k.conrelid
      join family there on there.oid = k.confrelid
      where k.contype = 'f' and not exists (
        select 1
        from unnest(k.conkey, k.confkey) as pair (here_key, there_key)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = here_key and a.attname = 'child_id'
        join pg_attribute b on b.attrelid = k.confrelid and b.attnum = there_key and b.attname = 'child_id')]]))
  end)

  it("cascades to every family table from its child, and from nothing else", function()
    assert.are.same({}, names([[
      with family as (]] .. FAMILY .. [[)
      select name
      from family
      where (select count(*)
             from pg_constraint k
             where k.contype = 'f' and k.conrelid = family.oid and k.confrelid = 'children'::regclass
               and k.confdeltype = 'c') <> 1]]))
    assert.are.same({}, names([[
      with family as (]] .. FAMILY .. [[)
      select k.conname::text as name
      from pg_constraint k
      join family on family.oid = k.conrelid
      where k.contype = 'f' and k.confrelid <> 'children'::regclass and (k.confdeltype <> 'a' or k.confupdtype <> 'a')]]))
  end)

  it("has a primary key on every table", function()
    assert.are.same({}, names([[
      select c.relname::text as name
      from pg_class c
      where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
        and not exists (select 1 from pg_index i where i.indrelid = c.oid and i.indisprimary)]]))
  end)

  it("knows the time zone of every moment", function()
    assert.are.same({}, names([[
      select table_name || '.' || column_name as name
      from information_schema.columns
      where table_schema = 'public' and data_type like 'timestamp without%']]))
  end)

  it("counts rows and points in 64 bits", function()
    assert.are.same({}, names([[
      select table_name || '.' || column_name as name
      from information_schema.columns
      where table_schema = 'public' and data_type in ('integer', 'smallint')
        and (column_name like '%id' or column_name like '%points%' or column_name like '%_delta' or
             is_identity = 'YES')]]))
  end)

  it("runs nothing as the owner without a fixed search path", function()
    assert.are.same({}, names([[
      select p.proname::text as name
      from pg_proc p
      where p.pronamespace = 'public'::regnamespace and p.prosecdef
        and not coalesce(array_to_string(p.proconfig, ',') like '%search_path=pg_catalog, pg_temp%', false)]]))
  end)

  it("has no two indexes where one begins with the other", function()
    assert.are.same({}, names([[
      select a.indexrelid::regclass::text || ' in ' || b.indexrelid::regclass::text as name
      from pg_index a
      join pg_index b on b.indrelid = a.indrelid and b.indexrelid <> a.indexrelid
      join pg_class c on c.oid = a.indrelid and c.relnamespace = 'public'::regnamespace
      where not a.indisunique and a.indexprs is null and b.indexprs is null and a.indpred is null
        and b.indpred is null and a.indkey::text || ' ' = left(b.indkey::text || ' ', length(a.indkey::text) + 1)]]))
  end)

  describe("gives the serving role", function()
    local owns_tables

    setup(function()
      owns_tables = db.one([[
        select pg_has_role(current_user, relowner, 'usage') as owns from pg_class where oid = 'points_accounts'::regclass
      ]]).owns
    end)

    local function granted(privilege)
      return names(([[
        select c.relname::text as name
        from pg_class c
        where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
          and has_table_privilege(c.oid, '%s')
        order by 1]]):format(privilege))
    end

    it("no way to remove or rewrite what was earned", function()
      if owns_tables then
        return pending("this role owns the tables")
      end
      assert.are.same({
        "child_devices", "children", "idempotency_keys", "learning_points", "learning_progress", "password_resets",
        "relationships", "sessions", "users", "verification_schedule",
      }, granted "delete")
      assert.are.same({}, granted "truncate")
      assert.are.same({
        "idempotency_keys", "learning_points", "question_statistics", "relationships", "word_lists",
      }, granted "update")
      assert.are.same({}, names([[
        select column_name as name
        from information_schema.column_privileges
        where grantee = current_user and privilege_type = 'UPDATE'
          and (table_name, column_name) in (
            select 'points_accounts', unnest(array['total_earned', 'available_points', 'locked_points',
                                                   'withdrawn_points', 'deficit_points', 'last_sequence'])
            union all select 'points_transactions', column_name)]]))
    end)
  end)
end)
