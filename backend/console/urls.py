from django.urls import path

from backend.console import answers, conversations, documents, views

urlpatterns = [
    path("", views.page),
    path("sign-in/<str:token>/", views.sign_in),
    path("sign-out/", views.sign_out),
    path("ask/", answers.ask_view),
    path("conversations/", conversations.list_conversations),
    path("conversations/<uuid:pk>/", conversations.show_conversation),
    path("messages/<int:pk>/feedback/", conversations.give_feedback),
    path("documents/", documents.documents),
    path("documents/samples/", documents.remove_samples),
    path("documents/<uuid:pk>/", documents.remove_document),
    path("passages/<int:version>/<int:section>/", documents.show_passage),
]
