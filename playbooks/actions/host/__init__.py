"""Commands on hosts, by the names the policy allows; one action for each risk, so that the risk is the action's own."""
