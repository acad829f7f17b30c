"""Addresses of ours at the top: the team, and one's own profile."""

from django.urls import path

from accounts.views import own, team

urlpatterns = [
    path("profile/", own.profile, name="profile"),
    path("team/", team.index, name="team"),
    path("team/invite/", team.invite, name="team_invite"),
    path("team/invitations/<int:pk>/send-again/", team.send_again, name="invitation_send_again"),
    path("team/invitations/<int:pk>/revoke/", team.revoke, name="invitation_revoke"),
    path("team/<int:pk>/", team.person, name="team_person"),
    path("team/<int:pk>/role/", team.change_role, name="team_role"),
    path("team/<int:pk>/deactivate/", team.deactivate, name="team_deactivate"),
    path("team/<int:pk>/reactivate/", team.reactivate, name="team_reactivate"),
    path("team/<int:pk>/second-step/", team.reset_second_factor, name="team_second_step"),
    path("team/<int:pk>/sessions/", team.end_sessions, name="team_sessions"),
]
