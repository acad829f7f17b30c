from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """Argon2id with 46 MiB and one pass, the first of OWASP's equal choices.

    Django's own default takes 100 MiB a hash: sixteen people at once would take 1.6 GB.
    """

    time_cost = 1
    memory_cost = 47_104
    parallelism = 1
