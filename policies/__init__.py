"""What a plan must satisfy: the catalogue, the rules behind it, and the waivers from it."""
