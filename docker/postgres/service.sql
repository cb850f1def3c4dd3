-- Creates the role and the schema of one service. Run it with psql as a superuser, in the database of the system, once per service, with
-- the variables `service` and `password`. Running it again changes only the password.

\set ON_ERROR_STOP on
SET client_min_messages = warning;

SELECT format('CREATE ROLE %I', :'service')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'service') \gexec

ALTER ROLE :"service" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'password';
ALTER ROLE :"service" CONNECTION LIMIT 100; -- 9 instances with up to 9 connections each, and some to migrate
ALTER ROLE :"service" SET search_path = :"service";
ALTER ROLE :"service" SET statement_timeout = '30s';
ALTER ROLE :"service" SET lock_timeout = '10s';
-- A frozen or unreachable instance keeps its locks this long. It is less than the 3 s that a request may take: requests that wait for the
-- locks then succeed.
ALTER ROLE :"service" SET idle_in_transaction_session_timeout = '2s';

-- By default every role may connect to every database, create temporary tables and, before version 15, use the schema public.
REVOKE ALL ON DATABASE :"DBNAME", postgres, template1 FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;

GRANT CONNECT ON DATABASE :"DBNAME" TO :"service";
CREATE SCHEMA IF NOT EXISTS :"service" AUTHORIZATION :"service";
REVOKE ALL ON SCHEMA :"service" FROM PUBLIC;
