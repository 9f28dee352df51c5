"""How the schema came to be: one file a revision, applied by `Store.upgrade`.

What belongs here: revisions, written out by hand and never changed once released. What does not:
the models, which a test holds equal to what the revisions build.
"""
