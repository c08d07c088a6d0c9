#!/bin/sh
# Who may do what on Kafka. Written by: python -m daicho.events.kafka_acls
# Needs KAFKA_BOOTSTRAP (host:port) and KAFKA_ADMIN (a file for --command-config); kafka-acls.sh is Kafka's own.
set -eu
acls() {
  kafka-acls.sh --bootstrap-server "$KAFKA_BOOTSTRAP" --command-config "$KAFKA_ADMIN" --add "$@"
}
acls --allow-principal User:identity --operation Read --operation Describe --topic '*' --group 'identity'
acls --allow-principal User:identity --operation Read --operation Describe --group 'identity.' --resource-pattern-type prefixed
acls --allow-principal User:identity --operation Write --operation Create --topic 'access.events' --topic 'access.events.dead' --topic 'identity.events.dead' --topic 'customers.events.dead' --topic 'sales.events.dead' --topic 'support.events.dead' --topic 'mailing.events.dead' --topic 'audit.events.dead'
acls --allow-principal User:identity --operation Write --operation Create --topic 'identity.' --resource-pattern-type prefixed
acls --allow-principal User:customers --operation Read --operation Describe --topic '*' --group 'customers'
acls --allow-principal User:customers --operation Read --operation Describe --group 'customers.' --resource-pattern-type prefixed
acls --allow-principal User:customers --operation Write --operation Create --topic 'access.events' --topic 'access.events.dead' --topic 'identity.events.dead' --topic 'customers.events.dead' --topic 'sales.events.dead' --topic 'support.events.dead' --topic 'mailing.events.dead' --topic 'audit.events.dead'
acls --allow-principal User:customers --operation Write --operation Create --topic 'customers.' --resource-pattern-type prefixed
acls --allow-principal User:sales --operation Read --operation Describe --topic '*' --group 'sales'
acls --allow-principal User:sales --operation Read --operation Describe --group 'sales.' --resource-pattern-type prefixed
acls --allow-principal User:sales --operation Write --operation Create --topic 'access.events' --topic 'access.events.dead' --topic 'identity.events.dead' --topic 'customers.events.dead' --topic 'sales.events.dead' --topic 'support.events.dead' --topic 'mailing.events.dead' --topic 'audit.events.dead'
acls --allow-principal User:sales --operation Write --operation Create --topic 'sales.' --resource-pattern-type prefixed
acls --allow-principal User:support --operation Read --operation Describe --topic '*' --group 'support'
acls --allow-principal User:support --operation Read --operation Describe --group 'support.' --resource-pattern-type prefixed
acls --allow-principal User:support --operation Write --operation Create --topic 'access.events' --topic 'access.events.dead' --topic 'identity.events.dead' --topic 'customers.events.dead' --topic 'sales.events.dead' --topic 'support.events.dead' --topic 'mailing.events.dead' --topic 'audit.events.dead'
acls --allow-principal User:support --operation Write --operation Create --topic 'support.' --resource-pattern-type prefixed
acls --allow-principal User:mailing --operation Read --operation Describe --topic '*' --group 'mailing'
acls --allow-principal User:mailing --operation Read --operation Describe --group 'mailing.' --resource-pattern-type prefixed
acls --allow-principal User:mailing --operation Write --operation Create --topic 'access.events' --topic 'access.events.dead' --topic 'identity.events.dead' --topic 'customers.events.dead' --topic 'sales.events.dead' --topic 'support.events.dead' --topic 'mailing.events.dead' --topic 'audit.events.dead'
acls --allow-principal User:mailing --operation Write --operation Create --topic 'mailing.' --resource-pattern-type prefixed
acls --allow-principal User:audit --operation Read --operation Describe --topic '*' --group 'audit'
acls --allow-principal User:audit --operation Read --operation Describe --group 'audit.' --resource-pattern-type prefixed
acls --allow-principal User:audit --operation Write --operation Create --topic 'access.events' --topic 'access.events.dead' --topic 'identity.events.dead' --topic 'customers.events.dead' --topic 'sales.events.dead' --topic 'support.events.dead' --topic 'mailing.events.dead' --topic 'audit.events.dead'
acls --allow-principal User:audit --operation Write --operation Create --topic 'audit.' --resource-pattern-type prefixed
acls --allow-principal User:operator --operation Read --operation Describe --operation Write --operation Create --topic '*'
acls --allow-principal User:operator --operation Read --operation Describe --group '*'
