"""The stock assistant: Rasa's default Chinese pipeline and policies, our domain, rules and forms, actions that do nothing."""
