"""The control side: modes, scripted faults, the journal and the gate that every call passes."""
