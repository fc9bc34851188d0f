"""PostgreSQL tables with everything around them that a table can have."""

RENAMED = (
    "DROP ROLE IF EXISTS reader",
    "DROP ROLE IF EXISTS auditor",
    "CREATE ROLE reader",
    "CREATE ROLE auditor",
    "GRANT CREATE ON SCHEMA public TO auditor",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO auditor",
    "CREATE TABLE regions (name text PRIMARY KEY)",
    "INSERT INTO regions VALUES ('EU'), ('old')",
    "CREATE TABLE orders (legacy text, id bigint GENERATED ALWAYS AS IDENTITY"
    " (START WITH 100 INCREMENT BY 5) CONSTRAINT orders_key PRIMARY KEY WITH (fillfactor = 80),"
    " region text DEFAULT 'EU' COLLATE \"C\", gone int, amount numeric(12,2)"
    " CONSTRAINT not_negative CHECK (amount >= 0),"
    " serial serial, twice numeric GENERATED ALWAYS AS (amount * 2) STORED,"
    ' document jsonb, "Odd ""name""" int,'
    " CONSTRAINT one_serial UNIQUE (serial) DEFERRABLE INITIALLY DEFERRED)"
    " WITH (fillfactor = 90, autovacuum_enabled = false, toast.autovacuum_enabled = false)",
    "INSERT INTO orders (region, amount) VALUES ('old', 1), ('old', 99)",
    "ALTER TABLE orders DROP COLUMN gone",
    "ALTER TABLE orders ALTER COLUMN region SET STATISTICS 321,"
    " ALTER COLUMN document SET STORAGE EXTERNAL, ALTER COLUMN region SET (n_distinct = 17)",
    "ALTER TABLE orders ADD CONSTRAINT some_day CHECK (amount < 1000000) NOT VALID",
    "ALTER TABLE orders ADD CONSTRAINT known_region FOREIGN KEY (region) REFERENCES regions"
    " ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED",
    "ALTER TABLE orders ADD CONSTRAINT unchecked FOREIGN KEY (legacy) REFERENCES regions NOT VALID",
    "CREATE INDEX by_region ON orders (region DESC NULLS LAST, upper(legacy))"
    " INCLUDE (amount) WITH (fillfactor = 70) WHERE amount > 0",
    "ALTER INDEX by_region ALTER COLUMN 2 SET STATISTICS 55",
    'CREATE UNIQUE INDEX "By ""Document""" ON orders USING btree (md5(document::text), id)',
    'ALTER TABLE orders CLUSTER ON "orders_key"',
    "ALTER TABLE orders ADD CONSTRAINT apart EXCLUDE USING btree (id WITH =)"
    " WITH (fillfactor = 60) WHERE (amount > 5)",
    "CREATE INDEX by_content ON orders USING gin (document)",
    "CREATE UNIQUE INDEX for_replicas ON orders (id)",
    "ALTER TABLE orders REPLICA IDENTITY USING INDEX for_replicas",
    "CREATE STATISTICS together (ndistinct, dependencies) ON region, legacy FROM orders",
    "ALTER STATISTICS together SET STATISTICS 77",
    "CREATE SCHEMA other",
    "CREATE STATISTICS other.lengths ON length(region), legacy FROM orders",
    "CREATE TABLE audit (id bigint, by text)",
    "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
    """ $$ BEGIN INSERT INTO audit VALUES (NEW.id, TG_ARGV[0]); RETURN NEW; END $$""",
    "CREATE TRIGGER noted AFTER INSERT OR UPDATE OF region ON orders FOR EACH ROW"
    " WHEN (NEW.amount > 0) EXECUTE FUNCTION note('it''s')",
    "CREATE TRIGGER always AFTER DELETE ON orders FOR EACH STATEMENT EXECUTE FUNCTION note('a')",
    "ALTER TABLE orders ENABLE ALWAYS TRIGGER always",
    "CREATE TRIGGER never BEFORE TRUNCATE ON orders EXECUTE FUNCTION note('n')",
    "ALTER TABLE orders DISABLE TRIGGER never",
    "CREATE CONSTRAINT TRIGGER later AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION note('later')",
    "CREATE POLICY mine ON orders AS RESTRICTIVE FOR UPDATE TO reader, auditor"
    " USING (region = current_user) WITH CHECK (amount IN (SELECT 1 FROM regions))",
    "CREATE POLICY everyone ON orders USING (true)",
    "ALTER TABLE orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    "GRANT SELECT, INSERT ON orders TO reader WITH GRANT OPTION",
    "GRANT UPDATE (amount, region) ON orders TO auditor",
    "GRANT REFERENCES ON orders TO PUBLIC",
    "REVOKE TRUNCATE ON orders FROM postgres",
    "GRANT USAGE ON SEQUENCE orders_id_seq, orders_serial_seq TO reader",
    'CREATE VIEW "E U" (key, region, amount) WITH (security_barrier) AS'
    """ SELECT id, region, amount FROM orders WHERE region = 'EU'""",
    'CREATE VIEW eu_total AS SELECT sum(amount) AS total FROM "E U"',
    "CREATE VIEW both_ways AS SELECT o.id, o.region, max(e.amount) AS top FROM orders o"
    ' JOIN "E U" e ON e.key = o.id JOIN regions r ON r.name = o.region GROUP BY o.id',
    'GRANT SELECT ON "E U", eu_total TO reader',
    "CREATE VIEW editable AS SELECT * FROM orders WHERE amount < 10 WITH LOCAL CHECK OPTION",
    "ALTER VIEW editable ALTER COLUMN region SET DEFAULT 'EU'",
    "ALTER VIEW editable OWNER TO auditor",
    "COMMENT ON TABLE orders IS 'it''s kept'",
    "COMMENT ON COLUMN orders.amount IS 'in euro'",
    "COMMENT ON CONSTRAINT not_negative ON orders IS 'a rule'",
    "COMMENT ON CONSTRAINT orders_key ON orders IS 'a key'",
    "COMMENT ON INDEX by_region IS 'an index'",
    "COMMENT ON TRIGGER noted ON orders IS 'a trigger'",
    "COMMENT ON POLICY mine ON orders IS 'a policy'",
    "COMMENT ON STATISTICS together IS 'statistics'",
    "COMMENT ON SEQUENCE \"orders_id_seq\" IS 'a sequence'",
    "COMMENT ON VIEW eu_total IS 'a view'",
    "CREATE FUNCTION late() RETURNS bigint LANGUAGE plpgsql AS"
    " $$ BEGIN RETURN (SELECT count(*) FROM orders); END $$",
    "ALTER TABLE orders OWNER TO auditor",
)
"""What a rename can make again, all of it around one table."""

KEPT = {
    "a materialized view": "CREATE MATERIALIZED VIEW hanger AS SELECT count(*) AS n FROM orders",
    "a SQL function": "CREATE FUNCTION hanger() RETURNS numeric"
    " BEGIN ATOMIC SELECT sum(amount) FROM orders; END",
    "a function of its row type": "CREATE FUNCTION hanger(orders) RETURNS bigint LANGUAGE sql"
    " AS 'SELECT $1.id'",
    "a column of its row type": "CREATE TABLE hanger (kept orders[])",
    "an incoming foreign key": "CREATE TABLE hanger (order_id bigint REFERENCES orders)",
    "a foreign key to itself": "ALTER TABLE orders ADD FOREIGN KEY (parent) REFERENCES orders",
    "a publication of it": "CREATE PUBLICATION hanger FOR TABLE orders",
    "a publication of all tables": "CREATE PUBLICATION hanger FOR ALL TABLES",
    "an heir": "CREATE TABLE hanger () INHERITS (orders)",
    "a rule": "CREATE RULE hanger AS ON INSERT TO orders DO ALSO NOTHING",
    "a policy of another table": "CREATE POLICY hanger ON other"
    " USING (EXISTS (SELECT 1 FROM orders))",
    "a default that takes its identity's next value": "ALTER TABLE other"
    " ALTER COLUMN id SET DEFAULT nextval('orders_id_seq')",
}
"""What depends on the table itself: each case is one statement."""
