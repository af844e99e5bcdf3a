"""What people are told: one notice for each change of state, in the portal and by e-mail."""
