-- The formulas of world.go, for what pgbench cannot compute by itself.

CREATE FUNCTION thin(t bigint) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT (t / 5 * 18 + t % 5 * 4 + 1)::int';

CREATE FUNCTION rich(r bigint) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT (r / 13 * 18 + r % 13 + (r % 13 + 2) / 3)::int';

-- The credits of some rounds of a walk (world.go, Walk), in bulk: one statement, locks in the order of ids. Neither ids nor entries are kept of them.
CREATE FUNCTION credit_rounds(thin0 bigint, rich0 bigint, first bigint, rounds bigint, thins bigint, riches bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  WITH asked AS (
    SELECT thin((thin0 + v % thins * ({{thin_stride}} % thins)) % thins) AS id, 0::bigint AS fen
    FROM generate_series(first * 8, (first + rounds) * 8 - 1) AS v
    UNION ALL
    SELECT rich((rich0 + v % riches * ({{rich_stride}} % riches)) % riches), {{rich_fen}}
    FROM generate_series(first, first + rounds - 1) AS v
  ), summed AS (
    SELECT id, sum(CASE WHEN fen = 0 THEN {{thin_min}} + id % {{thin_spread}} ELSE fen END)::bigint AS fen FROM asked GROUP BY id
  ), locked AS MATERIALIZED (
    SELECT c.id FROM accounts c WHERE c.id = ANY (ARRAY(SELECT id FROM summed)) ORDER BY c.id FOR NO KEY UPDATE
  ), done AS (
    UPDATE accounts c SET balance = c.balance + s.fen FROM summed s WHERE c.id = s.id AND s.id IN (SELECT id FROM locked) RETURNING s.fen
  )
  INSERT INTO credits SELECT count(*), coalesce(sum(fen), 0) FROM done;
END $$;

-- The credits that each client of a run still owed when its time was over: up to 900 bills' each, not measured.
CREATE FUNCTION credit_rest(msgid0 bigint, clients bigint, thin0 bigint, rich0 bigint, thins bigint, riches bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  bills bigint;
  done  bigint;
BEGIN
  FOR c IN 0..clients - 1 LOOP
    SELECT count(*) INTO bills FROM settlements WHERE msgid >= msgid0 + c * 1000000000::bigint AND msgid < msgid0 + (c + 1) * 1000000000::bigint;
    done := bills / 900 * 30;
    PERFORM credit_rounds((thin0 + c::bigint * (thins / clients) * ({{thin_stride}} % thins)) % thins, (rich0 + c::bigint * (riches / clients) * ({{rich_stride}} % riches)) % riches,
      done, bills / 30 - done, thins, riches);
  END LOOP;
END $$;

-- Fifty bills of a walk from step on, settled in one commit: made here and not by the client, who would pay more for 150 parameters.
-- PL/pgSQL, as a function in SQL would be planned anew for each call.
CREATE FUNCTION settle_fifty(first bigint, step bigint, thin0 bigint, thins bigint, riches bigint) RETURNS answer[]
LANGUAGE plpgsql AS $$
BEGIN
  RETURN (
    SELECT settle_many(array_agg(first + k), array_agg(patient), array_agg(floor(random() * {{institutions}})::int), array_agg({{bill_min}} + floor(random() * {{bill_spread}})::bigint))
    FROM (
      SELECT k, CASE WHEN n * 4 % 15 < 4 THEN thin((thin0 + n * 4 / 15 % thins * ({{thin_stride}} % thins)) % thins)
                ELSE rich(floor(random() * riches)::bigint) END AS patient
      FROM (SELECT k, step + k AS n FROM generate_series(0::bigint, 49) AS k) steps
    ) bills);
END $$;
