"""Whose rows may be seen: who looks right now (`viewer`), and PostgreSQL's row-level security that obeys it.

    viewer      who looks: nobody, one user, or everybody's servant (workers, operators)
    middleware  a request begins as nobody and becomes its user where it is authenticated
    postgresql  the database backend, which tells each connection who looks before it asks anything
    policies    the migration operation that closes a table to all but a row's owner
    roles       what the roles of web server and workers may do in the database

It knows no app and no table: every app may import it. docs/tenancy.md draws the whole.
"""
