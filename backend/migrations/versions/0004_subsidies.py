"""Subsidies and the vault"""

import sqlalchemy as sa
from alembic import op

import backend.db

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "subsidy_catalogue",
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("in_force_at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subsidy_catalogue")),
        sa.UniqueConstraint("version", name=op.f("uq_subsidy_catalogue_version")),
    )
    op.create_index(op.f("ix_subsidy_catalogue_in_force_at"), "subsidy_catalogue", ["in_force_at"], unique=False)
    op.create_table(
        "vault_item",
        sa.Column("resident_id", backend.db.BigId, nullable=True),
        sa.Column("message_id", backend.db.BigId, nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("lookup", sa.String(length=64), nullable=False),
        sa.Column("masked", sa.String(length=64), nullable=False),
        sa.Column("created_at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["resident_id"], ["resident.id"], name=op.f("fk_vault_item_resident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vault_item")),
    )
    op.create_index("ix_vault_item_found", "vault_item", ["lookup", "kind"], unique=False)
    op.create_index(op.f("ix_vault_item_key_id"), "vault_item", ["key_id"], unique=False)
    op.create_index(op.f("ix_vault_item_message_id"), "vault_item", ["message_id"], unique=False)
    op.create_index(op.f("ix_vault_item_resident_id"), "vault_item", ["resident_id"], unique=False)
    op.create_table(
        "vault_uncovering",
        sa.Column("item_id", backend.db.BigId, nullable=False),
        sa.Column("staff_id", backend.db.BigId, nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_vault_uncovering_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vault_uncovering")),
    )
    op.create_index(op.f("ix_vault_uncovering_item_id"), "vault_uncovering", ["item_id"], unique=False)
    op.create_index(op.f("ix_vault_uncovering_staff_id"), "vault_uncovering", ["staff_id"], unique=False)
    op.create_table(
        "subsidy_application",
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("identity_id", backend.db.BigId, nullable=False),
        sa.Column("name_id", backend.db.BigId, nullable=False),
        sa.Column("account_id", backend.db.BigId, nullable=False),
        sa.Column("phone_id", backend.db.BigId, nullable=True),
        sa.Column("name_masked", sa.String(length=32), nullable=False),
        sa.Column("catalogue_id", backend.db.BigId, nullable=False),
        sa.Column("conversation_id", backend.db.BigId, nullable=True),
        sa.Column("about", sa.String(length=16), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("area_code", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("desk", sa.String(length=16), nullable=False),
        sa.Column("desk_code", sa.String(length=32), nullable=False),
        sa.Column("due_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("late_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("consent", sa.String(length=16), nullable=False),
        sa.Column("consent_code", sa.String(length=64), nullable=False),
        sa.Column("consent_tries", sa.Integer(), nullable=False),
        sa.Column("published_until", sa.Date(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["vault_item.id"], name=op.f("fk_subsidy_application_account_id")),
        sa.ForeignKeyConstraint(["area_code"], ["area.code"], name=op.f("fk_subsidy_application_area_code")),
        sa.ForeignKeyConstraint(["catalogue_id"], ["subsidy_catalogue.id"], name=op.f("fk_subsidy_application_catalogue_id")),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name=op.f("fk_subsidy_application_conversation_id")),
        sa.ForeignKeyConstraint(["identity_id"], ["vault_item.id"], name=op.f("fk_subsidy_application_identity_id")),
        sa.ForeignKeyConstraint(["name_id"], ["vault_item.id"], name=op.f("fk_subsidy_application_name_id")),
        sa.ForeignKeyConstraint(["phone_id"], ["vault_item.id"], name=op.f("fk_subsidy_application_phone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subsidy_application")),
        sa.UniqueConstraint("number", name=op.f("uq_subsidy_application_number")),
    )
    op.create_index(op.f("ix_subsidy_application_conversation_id"), "subsidy_application", ["conversation_id"], unique=False)
    op.create_index("ix_subsidy_application_desk", "subsidy_application", ["desk", "desk_code", "state", "id"], unique=False)
    op.create_index("ix_subsidy_application_due", "subsidy_application", ["state", "due_at"], unique=False)
    op.create_index("ix_subsidy_application_named", "subsidy_application", ["name_masked", "id"], unique=False)
    op.create_index(op.f("ix_subsidy_application_person"), "subsidy_application", ["person"], unique=False)
    op.create_index(
        "uq_subsidy_application_once",
        "subsidy_application",
        ["person", "kind", "period"],
        unique=True,
        sqlite_where=sa.text("state NOT IN ('refused','withdrawn')"),
        postgresql_where=sa.text("state NOT IN ('refused','withdrawn')"),
    )
    op.create_table(
        "subsidy_talk",
        sa.Column("conversation_id", backend.db.BigId, nullable=False),
        sa.Column("about", sa.String(length=16), nullable=False),
        sa.Column("catalogue_id", backend.db.BigId, nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("skipped", sa.JSON(), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("draft", sa.JSON(), nullable=False),
        sa.Column("updated_at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["catalogue_id"], ["subsidy_catalogue.id"], name=op.f("fk_subsidy_talk_catalogue_id")),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name=op.f("fk_subsidy_talk_conversation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subsidy_talk")),
        sa.UniqueConstraint("conversation_id", "about", name=op.f("uq_subsidy_talk_conversation_id_about")),
    )
    op.create_index(op.f("ix_subsidy_talk_conversation_id"), "subsidy_talk", ["conversation_id"], unique=False)
    op.create_table(
        "subsidy_document",
        sa.Column("application_id", backend.db.BigId, nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("media", sa.JSON(), nullable=False),
        sa.Column("cure_by", sa.Date(), nullable=True),
        sa.Column("reminded", sa.Integer(), nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["subsidy_application.id"], name=op.f("fk_subsidy_document_application_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subsidy_document")),
        sa.UniqueConstraint("application_id", "code", name=op.f("uq_subsidy_document_application_id_code")),
    )
    op.create_index(op.f("ix_subsidy_document_application_id"), "subsidy_document", ["application_id"], unique=False)
    op.create_index("ix_subsidy_document_gap", "subsidy_document", ["cure_by", "reminded"], unique=False)
    op.create_table(
        "subsidy_payment",
        sa.Column("application_id", backend.db.BigId, nullable=False),
        sa.Column("reference", sa.String(length=24), nullable=False),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("account_id", backend.db.BigId, nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("batch", sa.String(length=24), nullable=True),
        sa.Column("result_line", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("created_at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("done_at", backend.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["subsidy_application.id"], name=op.f("fk_subsidy_payment_application_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subsidy_payment")),
        sa.UniqueConstraint("reference", name=op.f("uq_subsidy_payment_reference")),
    )
    op.create_index(op.f("ix_subsidy_payment_application_id"), "subsidy_payment", ["application_id"], unique=False)
    op.create_index("ix_subsidy_payment_batch", "subsidy_payment", ["batch", "id"], unique=False)
    op.create_index(op.f("ix_subsidy_payment_state"), "subsidy_payment", ["state"], unique=False)
    op.create_table(
        "subsidy_step",
        sa.Column("application_id", backend.db.BigId, nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("staff_id", backend.db.BigId, nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("at", backend.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("id", backend.db.BigId, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["subsidy_application.id"], name=op.f("fk_subsidy_step_application_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_subsidy_step_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subsidy_step")),
    )
    op.create_index(op.f("ix_subsidy_step_application_id"), "subsidy_step", ["application_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_subsidy_step_application_id"), table_name="subsidy_step")
    op.drop_table("subsidy_step")
    op.drop_index(op.f("ix_subsidy_payment_state"), table_name="subsidy_payment")
    op.drop_index("ix_subsidy_payment_batch", table_name="subsidy_payment")
    op.drop_index(op.f("ix_subsidy_payment_application_id"), table_name="subsidy_payment")
    op.drop_table("subsidy_payment")
    op.drop_index("ix_subsidy_document_gap", table_name="subsidy_document")
    op.drop_index(op.f("ix_subsidy_document_application_id"), table_name="subsidy_document")
    op.drop_table("subsidy_document")
    op.drop_index(op.f("ix_subsidy_talk_conversation_id"), table_name="subsidy_talk")
    op.drop_table("subsidy_talk")
    op.drop_index(
        "uq_subsidy_application_once",
        table_name="subsidy_application",
        sqlite_where=sa.text("state NOT IN ('refused','withdrawn')"),
        postgresql_where=sa.text("state NOT IN ('refused','withdrawn')"),
    )
    op.drop_index(op.f("ix_subsidy_application_person"), table_name="subsidy_application")
    op.drop_index("ix_subsidy_application_named", table_name="subsidy_application")
    op.drop_index("ix_subsidy_application_due", table_name="subsidy_application")
    op.drop_index("ix_subsidy_application_desk", table_name="subsidy_application")
    op.drop_index(op.f("ix_subsidy_application_conversation_id"), table_name="subsidy_application")
    op.drop_table("subsidy_application")
    op.drop_index(op.f("ix_vault_uncovering_staff_id"), table_name="vault_uncovering")
    op.drop_index(op.f("ix_vault_uncovering_item_id"), table_name="vault_uncovering")
    op.drop_table("vault_uncovering")
    op.drop_index(op.f("ix_vault_item_resident_id"), table_name="vault_item")
    op.drop_index(op.f("ix_vault_item_message_id"), table_name="vault_item")
    op.drop_index(op.f("ix_vault_item_key_id"), table_name="vault_item")
    op.drop_index("ix_vault_item_found", table_name="vault_item")
    op.drop_table("vault_item")
    op.drop_index(op.f("ix_subsidy_catalogue_in_force_at"), table_name="subsidy_catalogue")
    op.drop_table("subsidy_catalogue")
