\set a random({{bill_min}}, {{bill_max}})
\set i random(0, {{institutions}} - 1)
\if :n * 4 % 15 < 4
\set t (:thin0 + (:client_id * (:thins / :clients) + :n * 4 / 15) % :thins * ({{thin_stride}} % :thins)) % :thins
\set p :t / 5 * 18 + :t % 5 * 4 + 1
\else
\set r random(0, :riches - 1)
\set p :r / 13 * 18 + :r % 13 + (:r % 13 + 2) / 3
\endif
\set m :msgid0 + :client_id * 1000000000 + :n
SELECT settle(:m, :p, :i, :a);
\set n :n + 1
\if :n % 900 = 0
\set thinfrom (:thin0 + :client_id * (:thins / :clients) * ({{thin_stride}} % :thins)) % :thins
\set richfrom (:rich0 + :client_id * (:riches / :clients) * ({{rich_stride}} % :riches)) % :riches
\set round :n / 30 - 30
SELECT credit_rounds(:thinfrom, :richfrom, :round, 30, :thins, :riches);
\endif
