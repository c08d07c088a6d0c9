"""What every test of the tree can use."""

pytest_plugins = ["daicho.testkit.plugin"]
