-- Accounts, who shares with whom, settlements with a unique message id, their entries. No index but the primary keys.

CREATE TABLE accounts (
  id      int PRIMARY KEY,
  balance bigint NOT NULL CHECK (balance >= 0) -- fen; the floor
) WITH (fillfactor = 50); -- room for new versions on the same page: no index entries (HOT)

-- One row a person instead of one a binding: the relatives come with one read.
CREATE TABLE authorizations (
  person      int PRIMARY KEY,
  authorizers int[] NOT NULL
);

CREATE TABLE settlements (
  msgid       bigint PRIMARY KEY,
  patient     int NOT NULL,
  institution int NOT NULL,
  payable     bigint NOT NULL,
  own         bigint NOT NULL,
  aid         bigint NOT NULL,
  cash        bigint NOT NULL,
  balc        bigint NOT NULL, -- the patient's balance then: a repeat gets the same answer
  legs        smallint NOT NULL,
  settled_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE entries (
  msgid   bigint NOT NULL,
  account int NOT NULL,
  amount  bigint NOT NULL, -- negative: debit
  balance bigint NOT NULL  -- after it
);

-- What the credits brought, one row a call.
CREATE TABLE credits (
  persons int NOT NULL,
  amount  bigint NOT NULL
);

CREATE TYPE answer AS (
  state int, -- 1 settled, 2 repeated, 3 refused: the id was used with other content
  own   bigint,
  aid   bigint,
  cash  bigint,
  balc  bigint
);
