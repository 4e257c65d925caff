local world = require "spec.support.world"
local auth = require "auth"
local db = require "db"

describe("actions/users and actions/children", function()
  local sessions = require "actions.sessions"
  local users = require "actions.users"
  local children = require "actions.children"

  before_each(world.begin)
  after_each(world.finish)

  local function sign_up(email, more)
    local given, password_hash = { email = email }, auth.hash_password("a long password")
    for name, value in pairs(more or {}) do
      given[name] = value
    end
    return db.transaction(function(tx)
      return users.sign_up(tx, given, password_hash)
    end)
  end

  it("signs up and logs in, whatever the case of the address", function()
    local email = world.unique("Parent") .. "@Example.org"
    local user = sign_up(email, { name = "A", country = "DE", time_zone = "Europe/Berlin" })
    assert.are.same({ email:lower(), "A", "DE", "Europe/Berlin" }, { user.email, user.name, user.country, user.time_zone })
    local session = sessions.log_in(email:upper(), "a long password", "192.0.2.1")
    assert.are.equal(user.id, session.user_id)
    local claims = require("auth").verify_token(session.access_token)
    assert.are.same({ "parent", user.id }, { claims.role, claims.sub })
    assert.are.equal(user.id, users.find(user.id).id)
  end)

  it("takes an address once", function()
    local email = world.unique("p") .. "@example.org"
    assert.is_table(sign_up(email))
    local user, err = sign_up(email:upper())
    assert.is_nil(user)
    assert.are.equal("email_taken", err.code)
  end)

  it("signs up who logs in elsewhere, once, under the id from there", function()
    local id = db.one(db.sql "select gen_random_uuid() as id").id
    local email = world.unique("p") .. "@Example.org"
    local _, unknown = users.join(id, nil, {})
    assert.are.equal("not_found", unknown.code)
    local _, nameless = users.join(id, {}, {})
    assert.are.equal("email_missing", nameless.code)
    local _, err = users.join(id, { email = email }, { time_zone = "Moon/Base" })
    assert.are.equal("/time_zone", err.members.errors[1].pointer)
    local user = users.join(id, { email = email }, { name = "A" })
    assert.are.same({ id, email:lower(), "A", "TW" }, { user.id, user.email, user.name, user.country })
    assert.are.same(user, users.join(id, { email = "other@example.org" }, { name = "B" }))
    assert.are.same(user, users.join(id, nil, {}))
    local _, refused = sessions.log_in(email, "x", "192.0.2.9")
    assert.are.equal("invalid_credentials", refused.code)
  end)

  it("takes no address of another account for who logs in elsewhere", function()
    local email = world.unique("p") .. "@example.org"
    sign_up(email)
    local _, err = users.join("00000000-0000-4000-8000-000000000001", { email = email:upper() }, {})
    assert.are.equal("email_taken", err.code)
  end)

  it("knows the case of letters beyond ASCII", function()
    local name = world.unique("p")
    local user = sign_up("É" .. name .. "@example.org")
    assert.are.equal("é" .. name .. "@example.org", user.email)
    local _, err = sign_up("é" .. name .. "@Example.org")
    assert.are.equal("email_taken", err.code)
    local session = sessions.log_in("É" .. name .. "@example.org", "a long password", "192.0.2.5")
    assert.are.equal(user.id, session.user_id)
  end)

  it("refuses a time zone nobody has", function()
    local user, err = sign_up(world.unique("p") .. "@example.org", { time_zone = "Moon/Base" })
    assert.is_nil(user)
    assert.are.equal("/time_zone", err.members.errors[1].pointer)
  end)

  it("tells a wrong password from an unknown address in no way", function()
    local email = world.unique("p") .. "@example.org"
    sign_up(email)
    local _, wrong = sessions.log_in(email, "another password", "192.0.2.2")
    local _, unknown = sessions.log_in(world.unique("q") .. "@example.org", "another password", "192.0.2.2")
    assert.are.same(wrong, unknown)
    assert.are.equal("invalid_credentials", wrong.code)
  end)

  it("limits attempts to log in, per account and per address", function()
    local limit = require("config").limits.login_attempts
    local email = world.unique("p") .. "@example.org"
    for attempt = 1, limit do
      local _, err = sessions.log_in(email, "wrong", "192.0.2.3." .. attempt)
      assert.are.equal("invalid_credentials", err.code)
    end
    local _, err = sessions.log_in(email, "wrong", "192.0.2.4")
    assert.are.equal("rate_limited", err.code)
    assert.is_true(tonumber(err.headers["Retry-After"]) >= 1)
  end)

  it("lets an address that is refused lock nobody out", function()
    local limit = require("config").limits.login_attempts_per_address
    local email = world.unique("p") .. "@example.org"
    local user = sign_up(email)
    for _ = 1, limit do
      sessions.log_in(world.unique("q") .. "@example.org", "wrong", "192.0.2.6")
    end
    for _ = 1, limit do
      local _, err = sessions.log_in(email, "wrong", "192.0.2.6")
      assert.are.equal("rate_limited", err.code)
    end
    assert.are.equal(user.id, sessions.log_in(email, "a long password", "192.0.2.7").user_id)
  end)

  local function add(parent_id, name)
    return db.transaction(function(tx)
      return children.add(tx, parent_id, { name = name })
    end)
  end

  it("gives every child an account, and a parent at most six children", function()
    local parent = world.family().parent_id
    for index = 2, 6 do
      local child = add(parent, "Child " .. index):one()
      assert.are.same({ 0, 0, 0, 0, 0 }, world.balances { child_id = child.id })
    end
    local child, err = add(parent, "One too many")
    assert.is_nil(child)
    assert.are.equal("too_many_children", err.code)
    assert.are.equal(6, #children.list(parent))
  end)

  it("adds no child to a parent who is gone", function()
    local _, err = add("00000000-0000-0000-0000-000000000000", "Nobody's")
    assert.are.equal("not_found", err.code)
  end)

  it("lists the children of a parent who is there", function()
    local family = world.family()
    assert.are.equal(family.child_id, children.list_of(family.parent_id)[1].id)
    db.exec("delete from children where id = $1", family.child_id)
    assert.are.same({}, children.list_of(family.parent_id))
    assert.are.equal("not_found", select(2, children.list_of(family.child_id)).code)
  end)

  it("shows a child to its parent and to services", function()
    local family, other = world.family(), world.family()
    assert.is_table(children.find(family.child_id, family.parent_id))
    assert.is_table(children.find(family.child_id, nil))
    local child, err = children.find(family.child_id, other.parent_id)
    assert.is_nil(child)
    assert.are.equal("not_found", err.code)
  end)
end)
