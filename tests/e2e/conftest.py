"""The stories run against the whole product, through its gateway alone: see ``daicho.testkit.product``."""
