"""The other side: one program that plays Entra ID, Dataverse, Finance and blob storage over the wire contract."""
