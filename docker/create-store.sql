-- Airflow and Twinledger keep a database each on one server.
CREATE DATABASE twinledger;
